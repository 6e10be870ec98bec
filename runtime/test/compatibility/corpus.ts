/** keepalived.conf texts: small valid ones, and seeded mutations of them. */

const HEAD = `global_defs {
    script_user root
    enable_script_security
    router_id test
}
`;

/** Each is accepted in silence by keepalived 2.2.7 and 2.4. */
export const BASES: Readonly<Record<string, string>> = {
  plain: `vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.0.2.100/24
    }
}
`,
  script: `vrrp_script chk {
    script "/bin/true -a 'b c'"
    interval 2
    timeout 1
    weight -10
    rise 2
    fall 3
    user root
    init_fail
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 52
    priority 150
    virtual_ipaddress {
        192.0.2.100/24 dev eth0 label eth0:1
        192.0.2.101/24 dev eth1 scope link
    }
    track_script {
        chk weight -20
    }
    track_interface {
        eth1 weight -5
    }
    notify_master "/bin/true up" root
    notify_backup /bin/true
    notify_fault "/bin/true down"
    notify /bin/true
}
`,
  version3: `vrrp_instance VI_1 {
    version 3
    state BACKUP
    interface eth0
    virtual_router_id 53
    priority 90
    advert_int 0.25
    nopreempt
    garp_master_delay 1
    garp_master_repeat 2
    garp_master_refresh 60
    garp_master_refresh_repeat 2
    garp_lower_prio_delay 1
    garp_lower_prio_repeat 1
    lower_prio_no_advert true
    higher_prio_send_advert on
    virtual_ipaddress {
        192.0.2.100/24
    }
    virtual_ipaddress_excluded {
        2001:db8::100/64
    }
    virtual_routes {
        198.51.100.0/24 via 192.0.2.1 dev eth0
        blackhole 203.0.113.0/24 no_track
    }
    virtual_rules {
        from 192.0.2.0/24 table 100 preference 100
    }
}
`,
  unicast: `vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 54
    priority 100
    unicast_src_ip 192.0.2.1
    unicast_peer {
        192.0.2.2
        192.0.2.3
    }
    unicast_ttl 64
    check_unicast_src
    dont_track_primary
    skip_check_adv_addr on
    accept
    virtual_ipaddress {
        192.0.2.100/24
    }
}
`,
  groups: `vrrp_sync_group G {
    group {
        VI_1
        VI_2
    }
    notify_master /bin/true
    notify "/bin/true group"
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 55
    priority 100
    preempt_delay 10
    virtual_ipaddress {
        192.0.2.100/24
    }
}
vrrp_instance VI_2 {
    interface eth1
    virtual_router_id 56
    priority 101
    mcast_src_ip 192.0.2.1
    virtual_ipaddress { 192.0.2.101/24 }
}
`,
  ipv6: `vrrp_instance VI_6 {
    interface eth0
    virtual_router_id 57
    priority 100
    virtual_ipaddress {
        fe80::57/64
        2001:db8::57/64
    }
}
`,
  globals: `static_ipaddress {
    198.51.100.1/24 dev eth1 scope global
}
static_routes {
    203.0.113.0/24 via 198.51.100.2 dev eth1
}
static_rules {
    from 198.51.100.0/24 table 7 preference 7
}
track_file prio {
    file /tmp/karuntime-no-such-file
    weight 1
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 58
    priority 100
    use_vmac
    vmac_xmit_base
    down_timer_adverts 4
    no_accept
    debug 1
    track_file {
        prio weight 2
    }
    virtual_ipaddress {
        192.0.2.100/24
    }
}
`,
  director: `virtual_server 192.0.2.100 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
    persistence_timeout 50
    quorum 1
    sorry_server 192.0.2.99 80
    real_server 192.0.2.21 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
        }
    }
    real_server 192.0.2.22 80 {
        weight 2
        inhibit_on_failure
        HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 3
            retry 3
            delay_before_retry 3
        }
    }
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 59
    virtual_ipaddress {
        192.0.2.100/24
    }
}
`,
  language: `$ID=60
$VIPS=192.0.2.100/24 \\
192.0.2.101/24
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id $ID
    priority \${ID}
    virtual_ipaddress {
        $VIPS
    }
}
~SEQ(i, 1, 2) vrrp_instance S_$i { interface eth1
virtual_router_id 7
virtual_ipaddress { 192.0.2.11/24 } }
`.replace(/~SEQ[\s\S]*$/, ""),
};

export interface Text {
  /** Which base and which mutation. */
  readonly name: string;
  readonly text: string;
}

/** A generator of numbers from 0 up to but not including 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (lines: string[], pick: (most: number) => number) => string[] | undefined;

const NUMBERS = [
  "0",
  "1",
  "-1",
  "255",
  "256",
  "99999",
  "1.5",
  "abc",
  "10x",
  "0x10",
  "4294967296",
  "",
];

/** The lines with the one at `index` changed. */
function changed(lines: string[], index: number, line: string): string[] {
  return lines.with(index, line);
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "drop a line": (lines, pick) => lines.toSpliced(pick(lines.length), 1),
  "double a line": (lines, pick) => {
    const index = pick(lines.length);
    return lines.toSpliced(index, 0, lines[index] ?? "");
  },
  "swap two lines": (lines, pick) => {
    const [a, b] = [pick(lines.length), pick(lines.length)];
    return lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
  },
  "drop a brace": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/[{}]/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, (lines[index] ?? "").replace(/[{}]/, ""));
  },
  "add a brace": (lines, pick) => {
    const index = pick(lines.length);
    return changed(lines, index, `${lines[index]} ${pick(2) === 0 ? "{" : "}"}`);
  },
  "a brace on the next line": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/ \{$/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return lines.toSpliced(index, 1, (lines[index] ?? "").replace(/ \{$/, ""), "{");
  },
  "no blank before a brace": (lines) => lines.map((line) => line.replace(/ \{$/, "{")),
  "misspell a keyword": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/[a-z_]{4,}/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/[a-z_]{4,}/, (word) => `${word.slice(0, 2)}${word.slice(3)}`),
    );
  },
  "a keyword in capitals": (lines, pick) => {
    const index = pick(lines.length);
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/[a-z_]{4,}/, (word) => word.toUpperCase()),
    );
  },
  "another number": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/^\s*\w+ \d+(?:\.\d+)?$/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    if (index === undefined) return undefined;
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/\d+(?:\.\d+)?$/, NUMBERS[pick(NUMBERS.length)] ?? ""),
    );
  },
  "drop the last word": (lines, pick) => {
    const at = lines.flatMap((line, index) =>
      /\S \S+$/.test(line) && !/[{}]/.test(line) ? [index] : [],
    );
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, (lines[index] ?? "").replace(/ \S+$/, ""));
  },
  "one word more": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/\w$/.test(line) ? [index] : []));
    const index = at[pick(at.length)] ?? 0;
    return changed(lines, index, `${lines[index]} surplus`);
  },
  "a comment": (lines, pick) => {
    const index = pick(lines.length);
    return changed(
      lines,
      index,
      `${lines[index]} ${pick(2) === 0 ? "#" : "!"} { " 虚拟 }`.replace(
        '"',
        pick(2) === 0 ? "" : '"',
      ),
    );
  },
  "quotes around a word": (lines, pick) => {
    const index = pick(lines.length);
    const quote = ['"', '"', "'", "“"][pick(4)] ?? '"';
    return changed(
      lines,
      index,
      (lines[index] ?? "").replace(/(\S+)$/, `${quote}$1${quote === "“" ? "”" : quote}`),
    );
  },
  "a quote that stays open": (lines, pick) => {
    const index = pick(lines.length);
    return changed(lines, index, (lines[index] ?? "").replace(/(\S+)$/, '"$1'));
  },
  CRLF: (lines) => lines.map((line) => `${line}\r`),
  tabs: (lines) => lines.map((line) => line.replaceAll("    ", "\t")),
  "an unknown name": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/^\s{8}[a-zA-Z]/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    return index === undefined
      ? undefined
      : changed(lines, index, (lines[index] ?? "").replace(/\w+/, "nobody_knows"));
  },
  "a bad address": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/\d+\.\d+\.\d+\.\d+|::/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    const bad =
      ["192.0.2.300", "192.0.2", "192.0.2.9/33", "2001:db8::zz", "192.0.2.77", "fe80::9/64"][
        pick(6)
      ] ?? "";
    return index === undefined
      ? undefined
      : changed(
          lines,
          index,
          (lines[index] ?? "").replace(
            /(?:\d+\.){3}\d+(?:\/\d+)?|[0-9a-f:]+::[0-9a-f]+(?:\/\d+)?/,
            bad,
          ),
        );
  },
  "an interface that is not there": (lines, pick) => {
    const at = lines.flatMap((line, index) => (/eth\d$/.test(line) ? [index] : []));
    const index = at[pick(at.length)];
    return index === undefined
      ? undefined
      : changed(lines, index, (lines[index] ?? "").replace(/eth\d$/, "eth9"));
  },
  "a line from elsewhere": (lines, pick) => {
    const others = [
      "priority 120",
      "auth_pass abcdefghijk",
      "state MASTER",
      "state master",
      "vrrp_strict",
      "garp_interval 0",
      "nopreempt",
      "version 3",
      "nat_mask 255.255.255.0",
      "preempt_delay 5",
      "weight 5",
      "smtp_alert",
      "native_ipv6",
    ];
    return lines.toSpliced(1 + pick(lines.length - 1), 0, `    ${others[pick(others.length)]}`);
  },
};

/** The bases, and `count` mutations of them that differ from each other. */
export function corpus(count: number, seed: number): Text[] {
  const next = random(seed);
  const pick = (most: number): number => Math.floor(next() * most);
  const names = Object.keys(BASES);
  const kinds = Object.keys(MUTATIONS);
  const texts = new Map<string, Text>();
  for (const name of names) {
    const text = HEAD + BASES[name];
    texts.set(text, { name, text });
  }
  for (let number = 0; texts.size < count + names.length && number < count * 20; number++) {
    const base = names[number % names.length] ?? "";
    const kind = kinds[pick(kinds.length)] ?? "";
    const lines = (BASES[base] ?? "").trimEnd().split("\n");
    const mutated = MUTATIONS[kind]?.(lines, pick);
    if (mutated === undefined) continue;
    const text = `${HEAD}${mutated.join("\n")}${kind === "CRLF" && pick(2) === 0 ? "" : "\n"}`;
    if (!texts.has(text)) texts.set(text, { name: `${base}: ${kind} (${number})`, text });
  }
  return [...texts.values()];
}
