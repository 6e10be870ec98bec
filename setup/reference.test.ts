/** The reference is what the source says now, every link in it leads to a definition, and nothing public lacks a word. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { referencePages } from "./reference.ts";
import { parseDocstring } from "./reference/docstring.ts";
import { readPages, root } from "./reference/pages.ts";
import { anchorOf } from "./reference/render.ts";
import type { Definition, Member, Node } from "./reference/source.ts";
import { membersOf, referencesIn } from "./reference/source.ts";

/** Members whose name and type say all that there is to say, by their definition. */
const SELF_EVIDENT: Readonly<Record<string, string>> = {
  OptionTypes: "string number boolean list",
  Down: "down",
  Weight: "weight",
  Target: "port",
  FetchInit: "signal?",
  RealServerEvent: "subject.type subject.port",
  ExecResult: "stdout stderr",
  Mail: "subject text",
  PressureAverages: "avg10 avg60 avg300",
  Log: "debug() info() warn() error()",
  DnsData: "A AAAA CNAME NS PTR MX SRV SOA CAA",
  LogLine: "level message",
  FakeRequest: "method url body",
  Metric: "name type labels",
  Call: "args",
  FakeResponse: "headers?",
  FakeSystem: "load? memory? pressure?",
  // What `ip route` and `ip rule` call so.
  UserRoute: "device? metric? scope? type? onLink? mtu?",
  UserRule: "from? to? inputInterface? outputInterface? mark? table? preference? not? family?",
  Weighed: "weight?",
  UserTrack: "interfaces[].interface interfaces[].fallDelay?",
  UserFile: "path",
  UserProcess: "name reverse? fallDelay?",
  UserService: "start? stop? restart? status?",
  UserMail: "from to",
  UserVirtualServer: "services protocol realServers",
  UserCheckerConnection: "address? port? sourceAddress? sourcePort? interface? mark?",
  UserHttpUrl: "path pattern.fromOffset? pattern.toOffset?",
};

/** The web's own objects, which are described elsewhere. */
const OF_THE_WEB = [
  "Signal",
  "FetchForm",
  "FetchUrl",
  "FetchRequest",
  "FetchHeaders",
  "FetchResponse",
  "StreamReader",
  "StreamByteReader",
  "StreamWriter",
  "StreamSink",
  "PipeOptions",
  "ByteIterator",
  "ByteReadable",
  "ByteWritable",
];

const pages = readPages();
const definitions = pages.flatMap(({ modules }) =>
  [...modules.values()].flat().flatMap((section) => section.definitions),
);
const documented = new Set(
  definitions.filter(({ doc }) => doc.text !== "").map(({ name }) => name),
);

test("the reference is current", () => {
  for (const [file, text] of referencePages())
    assert.ok(
      readFileSync(`${root}${file}`, "utf8") === text,
      `${file} is older than the docstrings; write it again: npm run reference`,
    );
});

test("every definition has a docstring", () => {
  const bare = definitions.filter(({ name }) => !documented.has(name));
  assert.deepEqual(
    bare.map(({ name, module }) => `${name} in ${module.file.slice(root.length)}`),
    [],
  );
});

test("every member has a docstring, or is of a type that has one, or says all by its name and type", () => {
  const own = definitions.filter(({ name }) => !OF_THE_WEB.includes(name));
  const bare = own.flatMap((definition) =>
    membersIn(definition)
      .filter((member) => !isDocumented(member))
      .map(({ name }) => `${definition.name}.${name}`),
  );
  const known = Object.entries(SELF_EVIDENT).flatMap(([definition, members]) =>
    members.split(" ").map((name) => `${definition}.${name}`),
  );
  assert.deepEqual(
    bare.filter((member) => !known.includes(member)),
    [],
    "these lack a docstring",
  );
  assert.deepEqual(
    known.filter((member) => !bare.includes(member)),
    [],
    "these are no more, or have a docstring now: take them out of SELF_EVIDENT",
  );
});

function membersIn({ node, module }: Definition): readonly Member[] {
  const type = node["typeAnnotation"] as Node | undefined;
  const { body } = (node["body"] ?? {}) as { readonly body?: readonly Node[] };
  if (node.type === "TSInterfaceDeclaration") return membersOf(body ?? [], module);
  if (type?.type !== "TSTypeLiteral") return [];
  return membersOf(type["members"] as readonly Node[], module);
}

function isDocumented({ doc: { text, throws, returns }, shown: { node } }: Member): boolean {
  if (text !== "" || returns !== "" || throws.length > 0) return true;
  if (node.type !== "TSTypeReference") return false;
  const [{ name } = { name: "" }] = referencesIn(node);
  return documented.has(name) && name !== "Duration";
}

describe("each page", () => {
  const texts = referencePages();
  const anchors = new Map(
    [...texts].map(([file, text]) => [
      file,
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading)),
    ]),
  );

  for (const [file, text] of texts) {
    test(`${file}: no two headings are alike`, () => {
      const own = anchors.get(file) ?? [];
      assert.deepEqual(
        own.filter((anchor, index) => own.indexOf(anchor) !== index),
        [],
      );
    });

    test(`${file}: every link leads to a heading`, () => {
      const links = [...text.matchAll(/(?:href="|\]\()([\w./-]*)#([\w-]+)/g)];
      assert.ok(links.length > 100);
      const dead = links.filter(
        ([, page = "", anchor = ""]) =>
          anchors.get(page === "" ? file : `docs/${page}`)?.includes(anchor) !== true,
      );
      assert.deepEqual(
        dead.map(([link]) => link),
        [],
      );
    });

    test(`${file}: every row of a table has its cells`, () => {
      for (const row of text.split("\n").filter((line) => line.startsWith("|")))
        assert.equal(row.match(/(?<!\\)\|/g)?.length, 4, row);
    });
  }
});

test("a docstring's tags may stand in a line with its text", () => {
  const { text, params, returns, throws, examples } = parseDocstring(
    "*\n * Waits. As `a|b`.\n *\n * Then not. @returns what came. @throws Error when it\n *   ends.\n * @param timeMs how long,\n *   in milliseconds.\n * @example\n * // a.ts\n * if (x)\n *   wait(1);\n ",
  );
  assert.equal(text, "Waits. As `a|b`.\n\nThen not.");
  assert.deepEqual([...params], [["timeMs", "how long, in milliseconds."]]);
  assert.equal(returns, "what came.");
  assert.deepEqual(throws, ["Error when it ends."]);
  assert.deepEqual(examples, ["// a.ts\nif (x)\n  wait(1);"]);
});
