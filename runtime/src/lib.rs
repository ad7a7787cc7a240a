//! Tinderbox on the device.
#![no_std]
