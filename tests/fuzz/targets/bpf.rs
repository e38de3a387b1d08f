//! Any bytes as what a BPF device hands out at once, to the reader of each system. It ends, hands out no more than
//! there is and no more frames than asked for, and one buffer's damage does not reach the next.

#![no_main]

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use libfuzzer_sys::fuzz_target;

/// What a header takes at least: times, lengths and its own length.
const LEAST: usize = 18;
const MOST: usize = 1 << 14;

thread_local! {
    /// A socket hands out a datagram a read, and otherwise has nothing, as a device does with buffers.
    static DEVICE: (UnixDatagram, UnixDatagram) = {
        let (device, kernel) = UnixDatagram::pair().expect("sockets");
        device.set_nonblocking(true).expect("a socket");
        (device, kernel)
    };
    static READERS: RefCell<[ucarp::platform::FrameReader; 4]> =
        RefCell::new(ucarp::platform::fuzzing::frame_readers(MOST));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&budget, buffer)) = bytes.split_first() else { return };
    let budget = usize::from(budget % 9) + 1;
    let buffer = &buffer[..buffer.len().min(MOST)];
    DEVICE.with(|(device, kernel)| {
        READERS.with_borrow_mut(|readers| {
            for reader in readers {
                if !buffer.is_empty() {
                    kernel.send(buffer).expect("room");
                }
                let (mut frames, mut length) = (0, 0);
                loop {
                    let count = reader
                        .drain(device.as_fd(), budget, |_, frame| {
                            frames += 1;
                            length += frame.len();
                        })
                        .expect("a socket");
                    assert!(count <= budget);
                    assert!(frames * LEAST + length <= buffer.len(), "more than there is");
                    if count < budget {
                        break;
                    }
                }
            }
        });
    });
});
