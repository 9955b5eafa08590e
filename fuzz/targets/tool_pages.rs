//! Any result of `tools/list` is a page or an error: `cargo +nightly fuzz run tool_pages`.

#![no_main]

use dropgate_gate::pins::{Mode, PinStore, Pins, ToolPage};

/// Not SHA-256, and enough to tell texts apart.
fn sum(text: &[u8]) -> [u8; 32] {
    let mut sum = [0_u8; 32];
    for (at, byte) in text.iter().enumerate() {
        sum[at % 32] = sum[at % 32].wrapping_mul(31).wrapping_add(*byte);
    }
    sum
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(page) = ToolPage::read(bytes, None, sum) else {
        return;
    };
    let mut pins = Pins::new(Mode::Enforce, PinStore::new());
    pins.observe(&page);
    let text = pins.store().to_json().expect("a store has a JSON form");
    let store = PinStore::from_json(text.as_bytes(), sum).expect("what was written can be read");
    assert_eq!(&store, pins.store());
});
