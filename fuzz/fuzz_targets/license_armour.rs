//! Any text is no armoured token, or one that is written back the same but for comments and line ends.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmx_license::DocumentType;
use rtmx_license::carrier::{armoured, token_of};

fuzz_target!(|bytes: &[u8]| {
    for document in DocumentType::ALL {
        if let Ok(token) = token_of(bytes, document) {
            let written = armoured(&token, document);
            let again = token_of(written.as_bytes(), document).expect("what is written can be read");
            assert_eq!(again, token);
        }
    }
});
