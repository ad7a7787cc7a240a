//! The proof that firmware cannot panic: the handler needs a symbol that nobody defines, so that an image from which a
//! panic can be reached does not link.

unsafe extern "C" {
    #[link_name = "tinderbox: a panic is reachable"]
    fn panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never called: an image that holds the call has no definition for it.
    unsafe { panic_is_reachable() }
}
