/**
 * Sends Ethernet frames as they are given, one after the other, the whole list several times.
 *
 *   node forge-client.ts INTERFACE REPEAT HEX ...
 */
import { listLinks } from "../../src/linux/link.ts";
import { openNetlink } from "../../src/linux/netlink.ts";
import { openPacketSocket } from "../../src/linux/packet-socket.ts";

const [device = "", repeat = "", ...frames] = process.argv.slice(2);
const link = listLinks(openNetlink()).find(({ name }) => name === device);
if (link === undefined) throw new Error(`there is no interface ${device}`);
const socket = openPacketSocket();
for (let count = 0; count < Number(repeat); count++)
  for (const frame of frames) socket.send(link.index, Buffer.from(frame, "hex"));
socket.close();
