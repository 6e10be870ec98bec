import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tsharkDecodes, tsharkExperts, tsharkMissing } from "./tshark.ts";

const skip = tsharkMissing() ?? false;

/** keepalived's, as captured: version 3, and version 2 behind an authentication header. */
const VERSION_3 = fromHex(
  "01005e000012020000000901080045c0002000010000ff70c7900a090901e0000012" +
    "3133fe010032c9920a090964",
);
const VERSION_2_AH = fromHex(
  "01005e000012020000000901080045c0004000010000ff33c7ad0a090901e0000012" +
    "700400000a090901000000018ed26bdcfaf657f21bc40af4" +
    "2133fe010201cb5c0a0909640000000000000000",
);
const VERSION_3_IPV6 = fromHex(
  "33330000001202000000090186dd6c0692fc002870fffe80000000000000000000fffe000901" +
    "ff020000000000000000000000000012" +
    "3133fe0200649ca2fe80000000000000000000000000005120010db8000900000000000000000100",
);
const ARP = fromHex(
  "ffffffffffff020000000901080600010800060400010200000009010a090964ffffffffffff0a090964",
);

test("good advertisements are no expert's business", { skip }, async () => {
  const frames = [VERSION_3, VERSION_2_AH, VERSION_3_IPV6];
  assert.deepEqual(await tsharkExperts(frames), []);
  assert.equal(await tsharkDecodes([...frames, ARP], "vrrp"), 3);
  assert.equal(await tsharkDecodes([...frames, ARP], "ah"), 1);
});

test("a broken checksum is told, with the frame it is in", { skip }, async () => {
  const broken = Buffer.from(VERSION_3);
  broken.writeUInt8(broken.readUInt8(40) ^ 1, 40);
  assert.deepEqual(await tsharkExperts([VERSION_3, broken]), [
    "frame 2: warning: Bad checksum [should be 0xc992]",
  ]);
  // The header of IP as well: two findings in one frame.
  broken.writeUInt8(broken.readUInt8(24) ^ 1, 24);
  const both = await tsharkExperts([broken]);
  assert.equal(both.length, 2);
  for (const line of both) assert.match(line, /^frame 1: (?:warning|error): Bad checksum /);
});

test("a filter that tshark refuses is an error, and nothing stays behind", { skip }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "karuntime-tshark-test-"));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = directory;
  t.after(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    return rm(directory, { recursive: true });
  });
  await assert.rejects(tsharkDecodes([ARP], "no.such.field"), /no\.such\.field/);
  assert.deepEqual(await readdir(directory), []);
});

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
