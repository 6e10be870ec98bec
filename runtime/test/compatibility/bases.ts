/** Small configurations that use most of what keepalived has. */

/** What each begins with. */
export const HEAD = `global_defs {
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
