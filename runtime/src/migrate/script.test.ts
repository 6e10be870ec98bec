import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Recognition, Step } from "./meaning.ts";
import { recogniseScript } from "./script.ts";

function recognise(text: string, kind: "check" | "notifier" = "check"): Recognition {
  return recogniseScript({ type: "file", path: "/x.sh", text }, kind);
}

/** Steps as a line of words. */
function brief(steps: readonly Step[]): string {
  return steps
    .map((step) => {
      switch (step.type) {
        case "if": {
          const otherwise =
            step.alternative.length === 0 ? "" : ` else { ${brief(step.alternative)} }`;
          return `if ${condition(step.condition)} { ${brief(step.consequent)} }${otherwise}`;
        }
        case "service":
          return `${step.action} ${step.service}`;
        case "wait":
          return `wait ${step.seconds}`;
        default:
          return step.type;
      }
    })
    .join("; ");
}

function condition(asked: Extract<Step, { type: "if" }>["condition"]): string {
  if (asked.type === "not") return `not(${condition(asked.condition)})`;
  if (asked.type === "no process") return `no ${asked.name}`;
  return `${asked.request.url} is not ${asked.status ?? "good"}`;
}

function says(text: string): string {
  const found = recognise(text);
  return found.type === "check" ? brief(found.steps) : found.type;
}

const SEEDS: Readonly<Record<string, readonly [script: string, meaning: string]>> = {
  "counts, starts, counts again, stops keepalived, with a log": [
    `#!/bin/bash
#时间变量，用于记录日志
d=\`date --date today +%Y%m%d_%H:%M:%S\`
#计算nginx进程数量
n=\`ps -C nginx --no-heading|wc -l\`
if [ $n -eq "0" ]; then
        /etc/init.d/nginx start
        n2=\`ps -C nginx --no-heading|wc -l\`
        if [ $n2 -eq "0"  ]; then
                echo "$d nginx down,keepalived will stop" >> /var/log/check_ng.log
                systemctl stop keepalived
        fi
fi
`,
    "if no nginx { start nginx; if no nginx { log; down } }",
  ],
  "counts, runs the daemon, waits, stops keepalived by its init script": [
    `#!/bin/bash
counter=$(ps -C nginx --no-heading|wc -l)
if [ "\${counter}" = "0" ]; then
/usr/local/bin/nginx
sleep 2
counter=$(ps -C nginx --no-heading|wc -l)
if [ "\${counter}" = "0" ]; then
/etc/init.d/keepalived stop
fi
fi
`,
    "if no nginx { start nginx; wait 2; if no nginx { down } }",
  ],
  "kills what ps lists as keepalived": [
    `#!/bin/bash
nginx_status=$(ps aux | grep -Ev "grep|$0" | grep '\\bnginx\\b' | wc -l)
if [ $nginx_status -lt 1 ];then
    ps -ef | grep keepalived | grep -v grep | grep -v '/bin/bash' | awk -F ' +' '{print $2}' | xargs -I '{}' kill -9 {};
fi
`,
    "if no nginx { down }",
  ],
  "an option with a dash from a web page, a count inside the test, killall": [
    `#!/bin/bash
A=\`ps -C nginx –no-header |wc -l\`              
if [ $A -eq 0 ];then                                      
                /usr/local/nginx/sbin/nginx
                sleep 3
                if [ \`ps -C nginx –no-header |wc -l\` -eq 0 ];then
                       killall keepalived
                fi
fi
`,
    "if no nginx { start nginx; wait 3; if no nginx { down } }",
  ],
  "counts with grep -c, and itself not": [
    `count=$(ps -ef |grep nginx |egrep -cv "grep|$$")
if [ "$count" -eq 0 ];then
   systemctl stop keepalived
fi
`,
    "if no nginx { down }",
  ],
};

describe("check scripts of the web", () => {
  for (const [name, [script, meaning]] of Object.entries(SEEDS))
    test(name, () => assert.equal(says(script), meaning));
});

describe("other ways to say the same", () => {
  const DOWN = "if no nginx { down }";
  const cases: readonly (readonly [string, string])[] = [
    ["pidof nginx || exit 1", "if not(no nginx) {  } else { down }"],
    ["if ! pidof nginx >/dev/null; then exit 1; fi", DOWN],
    ['if [ -z "$(pidof nginx)" ]; then exit 1; fi', DOWN],
    ["if [[ $(pgrep -xc nginx) -eq 0 ]]; then exit 1; fi\nexit 0", `${DOWN}; up`],
    ["if [ $(pgrep -x nginx | wc -l) -lt 1 ]; then exit 1; fi", DOWN],
    ["killall -0 nginx && exit 0 || exit 1", "if not(no nginx) { up } else { down }"],
    [
      "if ps -ef | grep -v grep | grep nginx >/dev/null; then exit 0; else exit 1; fi",
      "if not(no nginx) { up } else { down }",
    ],
    [
      "if killall -0 nginx; then\n exit 0\nelse\n systemctl restart nginx\n exit 1\nfi",
      "if not(no nginx) { up } else { restart nginx; down }",
    ],
    [
      'code=$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8080/health)\nif [ "$code" != "200" ]; then exit 1; fi',
      "if http://127.0.0.1:8080/health is not 200 { down }",
    ],
    [
      "curl -sf -m 2 -o /dev/null http://localhost/ || exit 1",
      "if not(http://localhost/ is not good) {  } else { down }",
    ],
    [
      "wget -q --spider http://localhost/ || exit 1",
      "if not(http://localhost/ is not good) {  } else { down }",
    ],
    ["if [ $(ps -ef | grep [n]ginx | wc -l) -eq 0 ]; then\n  exit 1\nfi", DOWN],
    [
      "n=$(ps -C nginx -o pid= | wc -l)\ntest $n -gt 0 || exit 1",
      "if not(no nginx) {  } else { down }",
    ],
    [
      "if pidof nginx; then\n exit 0\nelif pidof httpd; then\n exit 0\nfi\nexit 1",
      "if not(no nginx) { up } else { if not(no httpd) { up } }; down",
    ],
  ];
  for (const [script, meaning] of cases)
    test(script.replaceAll("\n", "; "), () => assert.equal(says(script), meaning));
  test("a command line is a question by itself", () => {
    const found = recogniseScript(
      { type: "command line", argv: ["/usr/bin/killall", "-0", "nginx"] },
      "check",
    );
    assert.ok(found.type === "check");
    assert.equal(brief(found.steps), "if not(no nginx) {  } else { down }");
    const shell = recogniseScript(
      { type: "command line", argv: ["/bin/sh", "-c", "pidof nginx || exit 1"] },
      "check",
    );
    assert.equal(shell.type, "check");
  });
});

describe("what is not understood in full is unknown", () => {
  const cases = [
    "",
    "exit 0",
    "python3 /opt/check.py",
    "pidof nginx || exit 1\niptables -A INPUT -j DROP",
    "pidof nginx || { rm -rf /tmp/x; exit 1; }",
    "pidof $NAME || exit 1",
    "for i in 1 2 3; do pidof nginx && exit 0; done; exit 1",
    "while true; do sleep 1; done",
    "function f() { pidof nginx; }\nf",
    "f() { exit 1; }\nf",
    "if [ $(ps -ef | grep nginx | wc -l) -eq 1 ]; then exit 1; fi",
    "if [ $(ps -C nginx --no-heading | wc -l) -lt 4 ]; then exit 1; fi",
    "if [ $(ps -C nginx | wc -l) -eq 0 ]; then exit 1; fi",
    "if [ $(ps -ef | grep nginx | grep master | wc -l) -eq 0 ]; then exit 1; fi",
    "if [ $(ps -ef | grep 'nginx|httpd' | grep -v grep | wc -l) -eq 0 ]; then exit 1; fi",
    "pidof nginx || exit $?",
    "pidof nginx && exit 1 || curl http://x/",
    "curl -s -X POST http://localhost/ || exit 1",
    "curl -s -u admin:secret -f http://localhost/ || exit 1",
    "systemctl stop keepalived &",
    "(pidof nginx) || exit 1",
    "pidof nginx || exit 1 <<EOF\nEOF",
    "eval $X || exit 1",
    "sleep 1000\nexit 1",
    "if pidof nginx; then exit 0",
    'echo "unfinished\nexit 1',
    "case $1 in a) exit 1;; esac",
    "nginx -t || exit 1",
  ];
  for (const script of cases)
    test(JSON.stringify(script), () => assert.equal(says(script), "unknown"));
});

describe("notify scripts", () => {
  test("mail and services by case over the first argument", () => {
    const found = recognise(
      `#!/bin/bash
contact='root@localhost'
subject="$(hostname) to be $1: vip floating"
body="$(date '+%F %T'): vrrp transition, $(hostname) changed to be $1"
case $1 in
master)
  systemctl start nginx
  echo $body | mail -s "$subject" $contact
  exit 0
  ;;
backup|fault)
  echo "$body" | mail -s "$subject" $contact
  ;;
*)
  echo "Usage: $(basename $0) {master|backup|fault}"
  exit 1
  ;;
esac
`,
      "notifier",
    );
    assert.ok(found.type === "notifier");
    assert.equal(found.argument, 1);
    assert.deepEqual(
      found.arms.map(({ words }) => words),
      [["master"], ["backup", "fault"]],
    );
    const [start, mail] = found.arms[0]?.steps ?? [];
    assert.equal(start?.type, "service");
    assert.ok(mail?.type === "mail");
    assert.equal(mail.receiver, "root@localhost");
    assert.deepEqual(
      mail.subject.map((part) => (part.type === "text" ? part.text : `<${part.type}>`)).join(""),
      "<host> to be <state>: vip floating",
    );
  });
  test("one with something else in it is unknown", () => {
    assert.equal(
      recognise("case $1 in master) /opt/failover.sh;; esac", "notifier").type,
      "unknown",
    );
    assert.equal(
      recognise("case $X in master) systemctl start nginx;; esac", "notifier").type,
      "unknown",
    );
    assert.equal(recognise("curl -X POST http://hook/", "notifier").type, "unknown");
  });
});
