//! Damage: every cut, every flipped bit, and a hundred thousand random edits of a license.

use crate::support::{license, ring, token};
use rtmx_license::{DocumentType, KeyRing, carrier, verify};

/// A small generator with a fixed seed (xorshift64*), so that a failure can be had again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

fn forms() -> [(&'static str, Vec<u8>); 3] {
    let token = token(&license());
    [
        ("bare", token.as_str().into()),
        ("armoured", carrier::armoured(&token, DocumentType::License).into()),
        ("json", carrier::json_document(&token).unwrap().into()),
    ]
}

/// Whether an edit left the same license: only spaces and comments around it, or of the JSON, may differ.
fn is_same_license(ring: &KeyRing, edited: &[u8]) -> bool {
    verify(ring, edited).is_ok_and(|verified| *verified.claims() == license())
}

#[test]
fn every_cut_is_refused() {
    let ring = ring();
    for (form, bytes) in forms() {
        let whole = bytes.trim_ascii_end().len();
        for end in 0..whole {
            assert!(verify(&ring, &bytes[..end]).is_err(), "{form} cut at {end}");
        }
        for start in 1..bytes.len() {
            assert!(verify(&ring, &bytes[start..]).is_err(), "{form} without its first {start} bytes");
        }
        assert!(verify(&ring, &bytes[..whole]).is_ok(), "{form} as a whole");
    }
}

#[test]
fn every_flipped_bit_of_a_token_is_refused() {
    let ring = ring();
    let [(_, bytes), ..] = forms();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(verify(&ring, &flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_file_changes_nothing_or_is_refused() {
    let ring = ring();
    for (form, bytes) in forms().into_iter().skip(1) {
        let mut accepted = 0;
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if verify(&ring, &flipped).is_ok() {
                    // A line end or a space of the document that turned into another one.
                    assert!(
                        bytes[at].is_ascii_whitespace() && flipped[at].is_ascii_whitespace(),
                        "{form} {at}.{bit}"
                    );
                    accepted += 1;
                }
            }
        }
        assert!(accepted < 200, "{form}: {accepted}");
    }
}

#[test]
fn a_hundred_thousand_edits_never_panic_and_never_change_a_claim() {
    let ring = ring();
    let forms = forms();
    let mut random = Random(0x5eed_1234_5678_9abc);
    let mut accepted = 0;
    for round in 0..100_000 {
        let (form, bytes) = &forms[round % 3];
        let mut edited = bytes.clone();
        for _ in 0..=random.below(4) {
            if edited.is_empty() {
                break;
            }
            let at = random.below(edited.len());
            match random.below(6) {
                0 => edited[at] = u8::try_from(random.below(256)).unwrap(),
                1 => _ = edited.remove(at),
                2 => edited.insert(at, u8::try_from(random.below(256)).unwrap()),
                3 => edited.truncate(at.max(1)),
                4 => {
                    let other = random.below(edited.len());
                    edited.swap(at, other);
                }
                _ => {
                    let end = (at + random.below(40)).min(edited.len());
                    let piece = edited[at..end].to_vec();
                    let to = random.below(edited.len() + 1);
                    edited.splice(to..to, piece);
                }
            }
        }
        if verify(&ring, &edited).is_ok() {
            assert!(is_same_license(&ring, &edited), "{form}, round {round}");
            accepted += 1;
        }
    }
    assert!(accepted < 10_000, "most edits are refused, {accepted} were not");
}
