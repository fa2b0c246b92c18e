//! Which host keys are known: the format of OpenSSH's `known_hosts` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), matched
//! here because the libraries at hand do not know wildcards and authorities, and accept revoked keys. No I/O.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use russh::keys::ssh_key::{Algorithm, Certificate, Fingerprint, HashAlg, PublicKey};
use sha1::Sha1;

/// A file of known hosts with its name; what is not there is empty.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Where a key is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub path: String,
    pub line: usize,
    pub fingerprint: String,
    pub algorithm: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Known,
    /// Nothing is written down for that host.
    Unknown,
    /// The host is known, but not by a key of this type.
    OtherType(Place),
    Changed(Place),
    Revoked(Place),
    /// An authority that is trusted for this host has signed, but not so that it holds.
    BadCertificate(String),
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Marker {
    None,
    Authority,
    Revoked,
}

struct Entry {
    marker: Marker,
    key: PublicKey,
    place: Place,
}

/// The names under which a host is looked up: with its port where that is not 22, and then without.
pub fn names(host: &str, port: u16) -> Vec<String> {
    let host = host.to_lowercase();
    if port == 22 { vec![host] } else { vec![format!("[{host}]:{port}"), host] }
}

/// All entries for a name, in order.
fn entries(files: &[File], name: &str) -> Vec<Entry> {
    let mut found = vec![];
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let mut words = line.split_ascii_whitespace().peekable();
            let marker = match words.peek() {
                None => continue,
                Some(word) if word.starts_with('#') => continue,
                Some(&"@cert-authority") => Marker::Authority,
                Some(&"@revoked") => Marker::Revoked,
                // A marker of a kind that is not known: the line says nothing to us.
                Some(word) if word.starts_with('@') => continue,
                Some(_) => Marker::None,
            };
            if marker != Marker::None {
                words.next();
            }
            let (Some(patterns), Some(algorithm), Some(key)) = (words.next(), words.next(), words.next()) else { continue };
            if !matches(patterns, name) {
                continue;
            }
            let Ok(key) = PublicKey::from_openssh(&format!("{algorithm} {key}")) else { continue };
            let place = Place { path: file.path.clone(), line: index + 1, fingerprint: fingerprint(&key), algorithm: algorithm.to_owned() };
            found.push(Entry { marker, key, place });
        }
    }
    found
}

pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether a list of patterns, or one hashed name, means that name.
fn matches(patterns: &str, name: &str) -> bool {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        let Some((salt, hash)) = hashed.split_once('|') else { return false };
        let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
        return digest(&salt, name).verify_slice(&hash).is_ok();
    }
    let mut matched = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if wildcard(&not.to_lowercase(), name) => return false,
            Some(_) => {}
            None => matched |= wildcard(&pattern.to_lowercase(), name),
        }
    }
    matched
}

fn digest(salt: &[u8], name: &str) -> Hmac<Sha1> {
    Hmac::<Sha1>::new_from_slice(salt).expect("HMAC takes a key of any length").chain_update(name)
}

/// `*` is any text, `?` any one letter.
pub fn wildcard(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from, mut star) = (0, 0, None);
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    (at, from) = (back + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

/// What is to be thought of a host that shows this key. `names` as [`names`] gives them.
pub fn judge(files: &[File], names: &[String], key: &PublicKey) -> Verdict {
    let mut first = Verdict::Unknown;
    for (index, name) in names.iter().enumerate() {
        let entries = entries(files, name);
        let revoked = entries.iter().find(|entry| entry.marker == Marker::Revoked && entry.key.key_data() == key.key_data());
        if let Some(entry) = revoked {
            return Verdict::Revoked(entry.place.clone());
        }
        let plain: Vec<&Entry> = entries.iter().filter(|entry| entry.marker == Marker::None).collect();
        if plain.iter().any(|entry| entry.key.key_data() == key.key_data()) {
            return Verdict::Known;
        }
        // A host on another port may have another key: only the name with the port can contradict.
        if index == 0 {
            let same = plain.iter().find(|entry| kind(&entry.key) == kind(key));
            first = match (same, plain.first()) {
                (Some(entry), _) => Verdict::Changed(entry.place.clone()),
                (None, Some(entry)) => Verdict::OtherType(entry.place.clone()),
                (None, None) => Verdict::Unknown,
            };
        }
    }
    first
}

/// The same for a certificate: signed for this host, now, by an authority that is trusted for it.
pub fn judge_certificate(files: &[File], names: &[String], certificate: &Certificate, now: u64) -> Verdict {
    let host = names.last().map_or("", String::as_str);
    for name in names {
        let entries = entries(files, name);
        let authority = certificate.signature_key();
        let bad = |entry: &&Entry| {
            entry.marker == Marker::Revoked && (entry.key.key_data() == authority || entry.key.key_data() == certificate.public_key())
        };
        if let Some(entry) = entries.iter().find(bad) {
            return Verdict::Revoked(entry.place.clone());
        }
        let Some(trusted) = entries.iter().find(|entry| entry.marker == Marker::Authority && entry.key.key_data() == authority) else {
            continue;
        };
        let prints: [Fingerprint; 1] = [trusted.key.fingerprint(HashAlg::Sha256)];
        let principals = certificate.valid_principals();
        return if !certificate.cert_type().is_host() {
            Verdict::BadCertificate(String::from("it is a certificate of a user, not of a host"))
        } else if !principals.is_empty() && !principals.iter().any(|principal| wildcard(&principal.to_lowercase(), host)) {
            Verdict::BadCertificate(format!("it is for {}", principals.join(", ")))
        } else if !certificate.critical_options().is_empty() {
            Verdict::BadCertificate(String::from("it has critical options, and none is known for hosts"))
        } else if now < certificate.valid_after() || now >= certificate.valid_before() {
            Verdict::BadCertificate(String::from("it is not valid at this time"))
        } else if certificate.validate_at(now, &prints).is_err() {
            Verdict::BadCertificate(String::from("its signature is wrong"))
        } else {
            Verdict::Known
        };
    }
    judge(files, names, &PublicKey::new(certificate.public_key().clone(), ""))
}

/// RSA has one kind of key and three kinds of signatures.
fn kind(key: &PublicKey) -> Algorithm {
    match key.algorithm() {
        Algorithm::Rsa { .. } => Algorithm::Rsa { hash: None },
        other => other,
    }
}

/// The types of keys by which a host is known, and whether an authority is trusted for it. A client asks for these first,
/// so that a server with many keys shows one that can be judged.
pub fn known_types(files: &[File], names: &[String]) -> (Vec<Algorithm>, bool) {
    let mut types = vec![];
    let mut authority = false;
    for entry in names.iter().flat_map(|name| entries(files, name)) {
        match entry.marker {
            Marker::Authority => authority = true,
            Marker::None if !types.contains(&kind(&entry.key)) => types.push(kind(&entry.key)),
            _ => {}
        }
    }
    (types, authority)
}

/// The line that makes a host known. `salt`: 20 random bytes, to hash the name with.
pub fn line(name: &str, key: &PublicKey, salt: Option<&[u8]>) -> String {
    let name = match salt {
        Some(salt) => format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(digest(salt, name).finalize().into_bytes())),
        None => name.to_owned(),
    };
    let mut plain = key.clone();
    plain.set_comment("");
    format!("{name} {}\n", plain.to_openssh().unwrap_or_default().trim_end())
}
