//! Memory that the machine has when a storm begins.

/// As much as sockets and servers take in a storm of 10,000.
const SIZE: usize = 1536 * 1024 * 1024;

/// Touches memory and gives it back, so that the storm that follows finds pages that the machine has.
///
/// A virtual machine may return free memory to its host within seconds. The first write to a page then takes microseconds,
/// which count as processor time of whichever process makes it. A storm that follows another would be cheaper than one that
/// begins after a pause, such as that in which several servers meet.
pub(crate) fn warm() {
    drop(std::hint::black_box(vec![1_u8; SIZE]));
}
