//! IP addresses and networks, as `ansible.utils` has them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Filter;
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self as t, Call, Here, Outcome, fail, read};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[
    Filter::new("ipaddr", "value query version alias", |call, _| listed(call.need(0)?, &call.text_or(1, "")?, None)),
    Filter::new("ipv4", "value query", |call, _| listed(call.need(0)?, &call.text_or(1, "")?, Some(4))),
    Filter::new("ipv6", "value query", |call, _| listed(call.need(0)?, &call.text_or(1, "")?, Some(6))),
    Filter::new("ipsubnet", "value query index", ipsubnet),
    Filter::new("ipmath", "value amount", ipmath),
    Filter::new("ipwrap", "value query", ipwrap),
    Filter::new("nthhost", "value query", nthhost),
    Filter::new("next_nth_usable", "value offset", |call, _| usable_from(call, call.int(1)?)),
    Filter::new("previous_nth_usable", "value offset", |call, _| usable_from(call, -call.int(1)?)),
    Filter::new("network_in_network", "value test", |call, _| Ok(Value::Bool(within(call, false)?))),
    Filter::new("network_in_usable", "value test", |call, _| Ok(Value::Bool(within(call, true)?))),
    Filter::new("reduce_on_network", "value network", reduce),
    Filter::new("cidr_merge", "value action", cidr_merge),
    Filter::new("hwaddr", "value query", hwaddr),
    Filter::new("macaddr", "value query", hwaddr),
];

/// An address with the length of its prefix.
#[derive(Clone, Copy, PartialEq)]
struct Net {
    ip: u128,
    prefix: u32,
    version: u8,
    /// Whether a prefix was written.
    network: bool,
}

impl Net {
    fn parse(text: &str) -> Option<Net> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            let ip: u128 = text.parse().ok()?;
            let version = if ip <= u128::from(u32::MAX) { 4 } else { 6 };
            return Some(Net { ip, prefix: if version == 4 { 32 } else { 128 }, version, network: false });
        }
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let (ip, version) = match address {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), 4),
            IpAddr::V6(ip) => (u128::from(ip), 6),
        };
        let bits = if version == 4 { 32 } else { 128 };
        let length = match prefix {
            None => bits,
            Some(prefix) => match prefix.parse::<u32>() {
                Ok(length) => length,
                Err(_) => u32::from(prefix.parse::<Ipv4Addr>().ok()?).leading_ones(),
            },
        };
        (length <= bits).then_some(Net { ip, prefix: length, version, network: prefix.is_some() })
    }

    fn bits(self) -> u32 {
        if self.version == 4 { 32 } else { 128 }
    }

    fn hostmask(self) -> u128 {
        let free = self.bits() - self.prefix;
        if free >= 128 { u128::MAX } else { (1 << free) - 1 }
    }

    fn first(self) -> u128 {
        self.ip & !self.hostmask()
    }

    fn last(self) -> u128 {
        self.ip | self.hostmask()
    }

    /// How many addresses; all of IPv6 does not fit and counts as the largest number.
    fn size(self) -> u128 {
        self.hostmask().saturating_add(1)
    }

    fn show(self, ip: u128) -> String {
        if self.version == 4 { Ipv4Addr::from(ip as u32).to_string() } else { Ipv6Addr::from(ip).to_string() }
    }

    fn with_prefix(self, ip: u128) -> String {
        format!("{}/{}", self.show(ip), self.prefix)
    }

    fn usable(self) -> (u128, u128) {
        if self.size() <= 2 { (self.first(), self.last()) } else { (self.first() + 1, self.last() - 1) }
    }

    fn contains(self, other: Net) -> bool {
        self.version == other.version && self.first() <= other.first() && other.last() <= self.last()
    }

    fn broadcast(self) -> Option<u128> {
        (self.version == 4 && self.size() > 2).then(|| self.last())
    }
}

fn in_any(net: Net, ranges: &[&str]) -> bool {
    let address = Net { prefix: net.bits(), ..net };
    ranges.iter().filter_map(|range| Net::parse(range)).any(|range| range.contains(address))
}

const NOT_GLOBAL: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
];

fn is_global(net: Net) -> bool {
    !in_any(net, &NOT_GLOBAL)
}

fn is_multicast(net: Net) -> bool {
    in_any(net, &["224.0.0.0/4", "ff00::/8"])
}

fn listed(value: &Value, query: &str, version: Option<u8>) -> Outcome<Value> {
    if let Value::List(items) = read(value) {
        let found = items.iter().map(|item| listed(item, query, version)).collect::<Outcome<Vec<_>>>()?;
        return Ok(Value::list(found.into_iter().filter(Value::truthy)));
    }
    let text = t::python_text(value)?;
    let Some(net) = Net::parse(&text) else { return Ok(Value::Bool(false)) };
    if version.is_some_and(|version| version != net.version) {
        return Ok(Value::Bool(false));
    }
    ask(net, &text, query)
}

/// One of the many queries of `ipaddr`.
fn ask(net: Net, text: &str, query: &str) -> Outcome<Value> {
    let when = |holds: bool, text: String| if holds { Value::text(text) } else { Value::Null };
    let given =
        |holds: bool| when(holds, if text.bytes().all(|byte| byte.is_ascii_digit()) { net.with_prefix(net.ip) } else { text.to_string() });
    let plain = || net.show(net.ip);
    let is_host = net.size() > 1 && (net.ip != net.first() || net.broadcast().is_none());
    Ok(match query {
        "" => Value::text(if net.network { net.with_prefix(net.ip) } else { plain() }),
        "address" | "ip" => when(net.size() == 1 || is_host || net.version == 6, plain()),
        "host" => when(net.size() == 1 || is_host, net.with_prefix(net.ip)),
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            if net.size() > 2 && (net.ip == net.first() || Some(net.ip) == net.broadcast()) {
                Value::Bool(false)
            } else {
                Value::text(net.with_prefix(net.ip))
            }
        }
        "ip/prefix" => when(net.size() == 2 || (net.size() > 1 && net.ip != net.first()), net.with_prefix(net.ip)),
        "ip_netmask" => when(net.size() == 2 || (net.size() > 1 && net.ip != net.first()), format!("{} {}", plain(), netmask(net))),
        "bool" => Value::Bool(true),
        "broadcast" => net.broadcast().map_or(Value::Null, |ip| Value::text(net.show(ip))),
        "cidr" => Value::text(net.with_prefix(net.ip)),
        "hostmask" | "wildcard" => Value::text(net.show(net.hostmask())),
        "netmask" => Value::text(netmask(net)),
        "network" | "network_id" => Value::text(net.show(net.first())),
        "network_netmask" => Value::text(format!("{} {}", net.show(net.first()), netmask(net))),
        "network_wildcard" => Value::text(format!("{} {}", net.show(net.first()), net.show(net.hostmask()))),
        "subnet" | "network/prefix" => Value::text(net.with_prefix(net.first())),
        "net" => when(net.size() > 1 && net.ip == net.first(), net.with_prefix(net.first())),
        "prefix" => Value::Int(i64::from(net.prefix)),
        "size" => number(net.size()),
        "size_usable" => number(if net.size() <= 2 { net.size() / 2 * 2 } else { net.size() - 2 }),
        "version" => Value::Int(i64::from(net.version)),
        "type" => Value::text(if net.size() > 1 && net.ip == net.first() { "network" } else { "address" }),
        "int" if net.network => Value::text(format!("{}/{}", net.ip, net.prefix)),
        "int" => number(net.ip),
        "revdns" => Value::text(reverse(net)),
        "ipv4" | "v4" if net.version == 4 => given(true),
        "ipv6" | "v6" if net.version == 6 => given(true),
        "ipv6" | "v6" => Value::text(format!("::{}/{}", plain(), net.prefix + 96)),
        "ipv4" | "v4" => match Ipv6Addr::from(net.ip).to_ipv4() {
            Some(ip) => Value::text(format!("{ip}/{}", net.prefix.saturating_sub(96))),
            None => Value::Bool(false),
        },
        "public" => given(is_global(net) && !is_multicast(net)),
        "private" => given(!is_global(net)),
        "loopback" | "lo" => given(in_any(net, &["127.0.0.0/8", "::1/128"])),
        "link-local" => given(in_any(net, &["169.254.0.0/16", "fe80::/10"])),
        "multicast" => given(is_multicast(net)),
        "unicast" => given(!is_multicast(net)),
        "wrap" if net.version == 6 && net.network => Value::text(format!("[{}]/{}", plain(), net.prefix)),
        "wrap" if net.version == 6 => Value::text(format!("[{}]", plain())),
        "wrap" => given(true),
        "first_usable" | "last_usable" | "range_usable" | "next_usable" | "previous_usable" | "peer" => of_network(net, query)?,
        _ => other_query(net, text, query)?,
    })
}

fn number(number: u128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::text(number.to_string()), Value::Int)
}

fn netmask(net: Net) -> String {
    let mask = !net.hostmask();
    net.show(if net.version == 4 { mask & u128::from(u32::MAX) } else { mask })
}

fn reverse(net: Net) -> String {
    if net.version == 4 {
        let octets = (net.ip as u32).to_be_bytes();
        return format!("{}.{}.{}.{}.in-addr.arpa.", octets[3], octets[2], octets[1], octets[0]);
    }
    let hex: Vec<String> = format!("{:032x}", net.ip).chars().rev().map(String::from).collect();
    format!("{}.ip6.arpa.", hex.join("."))
}

fn of_network(net: Net, query: &str) -> Outcome<Value> {
    if !net.network {
        return fail(format!("`{query}` asks for a network, and this is an address without a prefix"));
    }
    if net.size() == 1 {
        return Ok(Value::Null);
    }
    let (first, last) = net.usable();
    let near = |ip: Option<u128>| ip.filter(|ip| (first..=last).contains(ip)).map_or(Value::Null, |ip| Value::text(net.show(ip)));
    Ok(match query {
        "first_usable" => Value::text(net.show(first)),
        "last_usable" => Value::text(net.show(last)),
        "range_usable" => Value::text(format!("{}-{}", net.show(first), net.show(last))),
        "next_usable" => near(net.ip.checked_add(1)),
        "previous_usable" => near(net.ip.checked_sub(1)),
        _ => match net.size() {
            2 => Value::text(net.show(net.ip ^ 1)),
            4 if matches!(net.ip % 4, 1 | 2) => Value::text(net.show(net.ip ^ 3)),
            _ => return fail("`peer` asks for an address in a network of two"),
        },
    })
}

/// A number counts addresses; a network asks whether this lies in it.
fn other_query(net: Net, text: &str, query: &str) -> Outcome<Value> {
    if let Ok(at) = query.parse::<i64>() {
        if net.size() == 1 {
            return ask(net, text, "");
        }
        let base = if at < 0 { net.last() } else { net.first() };
        let ip = if at < 0 { base.checked_sub(at.unsigned_abs() as u128 - 1) } else { base.checked_add(at as u128) };
        return Ok(match ip.filter(|ip| (net.first()..=net.last()).contains(ip)) {
            Some(ip) => Value::text(net.with_prefix(ip)),
            None => Value::Bool(false),
        });
    }
    match Net::parse(query) {
        Some(outer) if outer.contains(net) => Ok(Value::text(text)),
        Some(_) => Ok(Value::Null),
        None => Err(Diagnostic::error(format!("`ipaddr` has no query `{query}`"))
            .meant(query, ["address", "network", "netmask", "prefix", "broadcast", "subnet", "host", "size", "version"])
            .into()),
    }
}

fn ipsubnet(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let Some(net) = Net::parse(&call.text(0)?) else { return Ok(Value::Bool(false)) };
    let is_network = net.size() > 1 && net.ip == net.first();
    let net = if is_network { net } else { Net { ip: net.first(), ..net } };
    let address = net.size() == 1;
    let query = call.text_or(1, "")?;
    if query.is_empty() {
        return Ok(Value::text(net.with_prefix(net.ip)));
    }
    let Ok(length) = query.parse::<u32>() else {
        let Some(outer) = Net::parse(&query) else { return fail(format!("`{query}` is no network")) };
        if !outer.contains(net) {
            return fail(format!("{} is not in {query}", net.with_prefix(net.ip)));
        }
        return Ok(Value::text(((net.first() - outer.first()) / net.size() + 1).to_string()));
    };
    if length > net.bits() {
        return Ok(Value::Bool(false));
    }
    let part = Net { prefix: length, ..net };
    let index = call.given(2)?.map(|_| call.int(2)).transpose()?;
    if address {
        let Some(at) = index else { return Ok(Value::text(part.with_prefix(part.first()))) };
        let supers: Vec<u32> = (length..net.prefix).collect();
        return Ok(t::index(at, supers.len()).map_or(Value::Bool(false), |at| {
            let outer = Net { prefix: supers[at], ..net };
            Value::text(outer.with_prefix(outer.first()))
        }));
    }
    let Some(more) = length.checked_sub(net.prefix) else { return fail(format!("a network of /{} has no parts of /{length}", net.prefix)) };
    let count = 1_u128.checked_shl(more).unwrap_or(u128::MAX);
    let Some(at) = index else { return Ok(Value::text(count.to_string())) };
    let at = if at < 0 { count.checked_sub(u128::from(at.unsigned_abs())) } else { Some(at as u128) };
    Ok(match at.filter(|at| *at < count) {
        Some(at) => Value::text(part.with_prefix(net.first() + at * part.size())),
        None => Value::Bool(false),
    })
}

fn ipmath(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    let Some(net) = Net::parse(&text) else { return fail(format!("`{text}` is no IP address")) };
    let Value::Int(amount) = call.need(1)? else { return fail("`ipmath` takes an integer") };
    let ip = if *amount < 0 { net.ip.checked_sub(u128::from(amount.unsigned_abs())) } else { net.ip.checked_add(*amount as u128) };
    match ip.filter(|ip| net.version == 6 || *ip <= u128::from(u32::MAX)) {
        Some(ip) => Ok(Value::text(net.show(ip))),
        None => fail(format!("`{text}` and {amount} is no IP address")),
    }
}

fn ipwrap(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let query = call.text_or(1, "")?.to_string();
    let one = |value: &Value| -> Outcome<Value> {
        if read(value).as_str().is_none() || !listed(value, &query, None)?.truthy() {
            return Ok(value.clone());
        }
        listed(value, "wrap", None)
    };
    match call.need(0)? {
        Value::List(items) => Ok(Value::from(items.iter().map(one).collect::<Outcome<Vec<_>>>()?)),
        other => one(other),
    }
}

fn nthhost(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let Some(net) = Net::parse(&call.text(0)?) else { return Ok(Value::Bool(false)) };
    let at = call.int_or(1, 0)?;
    let ip = if at < 0 { net.last().checked_sub(u128::from(at.unsigned_abs()) - 1) } else { net.first().checked_add(at as u128) };
    Ok(match ip.filter(|ip| at != 0 && (net.first()..=net.last()).contains(ip)) {
        Some(ip) => Value::text(net.show(ip)),
        None => Value::Bool(false),
    })
}

fn usable_from(call: &Call<'_>, offset: i64) -> Outcome<Value> {
    let Some(net) = Net::parse(&call.text(0)?) else { return Ok(Value::Bool(false)) };
    if net.size() == 1 {
        return Ok(Value::Null);
    }
    let (first, last) = net.usable();
    let ip = if offset < 0 { net.ip.checked_sub(u128::from(offset.unsigned_abs())) } else { net.ip.checked_add(offset as u128) };
    Ok(ip.filter(|ip| (first..=last).contains(ip)).map_or(Value::Null, |ip| Value::text(net.show(ip))))
}

fn within(call: &Call<'_>, only_usable: bool) -> Outcome<bool> {
    let (Some(net), Some(test)) = (Net::parse(&call.text(0)?), Net::parse(&call.text(1)?)) else {
        return fail(format!("`{}` takes two networks", call.name));
    };
    let (first, last) = if only_usable { net.usable() } else { (net.first(), net.last()) };
    Ok(net.version == test.version && first <= test.first() && test.last() <= last)
}

fn reduce(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let Some(net) = Net::parse(&call.text(1)?) else { return fail("`reduce_on_network` takes a network") };
    let mut out = vec![];
    let items = match call.need(0)? {
        Value::List(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    for item in &items {
        if Net::parse(&t::python_text(item)?).is_some_and(|inner| net.contains(inner)) {
            out.push(item.clone());
        }
    }
    Ok(Value::from(out))
}

fn cidr_merge(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let mut nets = vec![];
    for item in call.items(0)?.iter() {
        let text = t::python_text(item)?;
        match Net::parse(&text) {
            Some(net) => nets.push(Net { ip: net.first(), network: true, ..net }),
            None => return fail(format!("`{text}` is no network")),
        }
    }
    if &*call.text_or(1, "merge")? == "span" {
        let (Some(first), Some(last)) = (nets.iter().map(|net| net.first()).min(), nets.iter().map(|net| net.last()).max()) else {
            return Ok(Value::Null);
        };
        let mut span = nets[0];
        span.ip = first;
        while span.last() < last || span.first() > first {
            span.prefix -= 1;
        }
        return Ok(Value::text(span.with_prefix(span.first())));
    }
    nets.sort_by_key(|net| (net.version, net.first(), net.prefix));
    let mut out: Vec<Net> = vec![];
    for net in nets {
        if out.last().is_some_and(|last| last.contains(net)) {
            continue;
        }
        out.push(net);
        // two halves make a whole
        while let [.., a, b] = out[..] {
            let whole = Net { prefix: a.prefix.saturating_sub(1), ..a };
            if a.version != b.version || a.prefix != b.prefix || a.prefix == 0 || whole.first() != a.ip || whole.last() != b.last() {
                break;
            }
            out.truncate(out.len() - 2);
            out.push(whole);
        }
    }
    Ok(Value::list(out.into_iter().map(|net| Value::text(net.with_prefix(net.ip)))))
}

fn hwaddr(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let query = call.text_or(1, "")?.to_string();
    let one = |value: &Value| -> Outcome<Value> {
        let text = t::python_text(value)?;
        let digits: String = text.chars().filter(|c| !":-.".contains(*c)).collect::<String>().to_lowercase();
        if digits.len() != 12 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Ok(if query.is_empty() { Value::Null } else { Value::Bool(false) });
        }
        let parts = |size: usize, separator: &str| {
            (0..12).step_by(size).map(|at| digits[at..at + size].to_string()).collect::<Vec<_>>().join(separator)
        };
        Ok(match query.as_str() {
            "" => Value::text(text),
            "bool" => Value::Bool(true),
            "int" => Value::Int(i64::from_str_radix(&digits, 16).unwrap_or(0)),
            "cisco" => Value::text(parts(4, ".")),
            "linux" | "unix" => Value::text(parts(2, ":")),
            "win" | "eui48" => Value::text(parts(2, "-").to_uppercase()),
            "bare" => Value::text(digits.to_uppercase()),
            "pgsql" | "postgresql" | "psql" => Value::text(parts(6, ":")),
            other => return fail(format!("`hwaddr` has no query `{other}`")),
        })
    };
    match call.need(0)? {
        Value::List(items) => {
            let found = items.iter().map(one).collect::<Outcome<Vec<_>>>()?;
            Ok(Value::list(found.into_iter().filter(Value::truthy)))
        }
        other => one(other),
    }
}
