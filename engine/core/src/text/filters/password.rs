//! `password_hash`: what stands in a shadow file.

use md5::{Digest as _, Md5};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Outcome, fail};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[Filter::new("password_hash", "value hashtype salt salt_size rounds ident", password_hash)];

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn password_hash(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let password = call.text(0)?;
    let kind = call.text_or(1, "sha512")?;
    let most = if matches!(&*kind, "md5" | "md5_crypt") { 8 } else { 16 };
    let salt = match call.given(2)? {
        Some(salt) => t::python_text(salt)?.into_owned(),
        None => {
            let size = usize::try_from(call.int_or(3, most)?).unwrap_or(16).min(most as usize);
            let mut random = super::number::Random::new(None, here)?;
            (0..size).map(|_| char::from(ALPHABET[random.below(64) as usize])).collect()
        }
    };
    if salt.len() > most as usize || !salt.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return fail(format!("the salt of `password_hash` has at most {most} characters of a-z, A-Z, 0-9, `.` and `/`"));
    }
    let rounds = call.given(4)?.map(|_| call.int(4)).transpose()?;
    let sha = |id: char, default: i64| -> Outcome<Value> {
        let rounds = rounds.unwrap_or(default);
        let Ok(params) = u32::try_from(rounds).map_err(drop).and_then(|rounds| Params::new(rounds).map_err(drop)) else {
            return fail(format!("{rounds} rounds: it is a number from 1000 to 999999999"));
        };
        let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
        let digest = if id == '6' {
            encoded_512(&sha512_crypt(password.as_bytes(), salt.as_bytes(), params))
        } else {
            encoded_256(&sha256_crypt(password.as_bytes(), salt.as_bytes(), params))
        };
        Ok(Value::text(format!("${id}${shown}{salt}${digest}")))
    };
    match &*kind {
        "sha512" | "sha512_crypt" => sha('6', 656_000),
        "sha256" | "sha256_crypt" => sha('5', 535_000),
        "md5" | "md5_crypt" => Ok(Value::text(format!("$1${salt}${}", md5_crypt(password.as_bytes(), salt.as_bytes())))),
        other => fail(format!("`password_hash` has no type `{other}`; it is one of sha512, sha256, md5")),
    }
}

/// Bytes as crypt(3) writes them: 6 bits a character, the lowest first.
fn written(bytes: [u8; 3], count: usize, out: &mut String) {
    let mut bits = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    for _ in 0..count {
        out.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
}

fn encoded_512(digest: &[u8; 64]) -> String {
    let mut out = String::new();
    let (mut a, mut b, mut c) = (0, 21, 42);
    for _ in 0..21 {
        written([digest[a], digest[b], digest[c]], 4, &mut out);
        (a, b, c) = (b + 1, c + 1, a + 1);
    }
    written([0, 0, digest[63]], 2, &mut out);
    out
}

fn encoded_256(digest: &[u8; 32]) -> String {
    let mut out = String::new();
    let (mut a, mut b, mut c) = (0, 10, 20);
    for _ in 0..10 {
        written([digest[a], digest[b], digest[c]], 4, &mut out);
        (a, b, c) = (c + 1, a + 1, b + 1);
    }
    written([0, digest[31], digest[30]], 3, &mut out);
    out
}

/// Poul-Henning Kamp's MD5 crypt, which old systems still have.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    for at in (0..password.len()).step_by(16) {
        first.update(&inner[..(password.len() - at).min(16)]);
    }
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { &[0][..] } else { &password[..1] });
        length >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        if round % 2 == 1 {
            next.update(password)
        } else {
            next.update(digest)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round % 2 == 1 {
            next.update(digest)
        } else {
            next.update(password)
        }
        digest = next.finalize();
    }
    let mut out = String::new();
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        written([digest[a], digest[b], digest[c]], 4, &mut out);
    }
    written([0, 0, digest[11]], 2, &mut out);
    out
}
