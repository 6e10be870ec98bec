/** A small SMTP server for tests: writes each message that it takes as a line of JSON. */
import { createServer } from "node:net";

const [port = "25"] = process.argv.slice(2);

createServer((socket) => {
  let message: string[] | undefined;
  let rest = "";
  const answer = (text: string): void => void socket.write(`${text}\r\n`);
  answer("220 test");
  socket.on("data", (chunk) => {
    const lines = (rest + chunk.toString("utf8")).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (message !== undefined) {
        if (line === ".") {
          console.log(JSON.stringify(message));
          message = undefined;
          answer("250 taken");
        } else message.push(line);
      } else if (/^DATA/i.test(line)) {
        message = [];
        answer("354 go on");
      } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
      else answer("250 test");
    }
  });
  socket.on("error", () => undefined);
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
