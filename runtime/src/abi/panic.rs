//! The proof that firmware cannot panic: the handler needs a symbol that nobody defines, so that an image from which a
//! panic can be reached does not link. Debug builds, which check arithmetic, log the panic and stop.

#[cfg(not(debug_assertions))]
unsafe extern "C" {
    #[link_name = "tinderbox: a panic is reachable"]
    fn panic_is_reachable() -> !;
}

#[cfg(not(debug_assertions))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never called: an image that holds the call has no definition for it.
    unsafe { panic_is_reachable() }
}

#[cfg(debug_assertions)]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    log::error!("{info}");
    loop {
        core::hint::spin_loop();
    }
}
