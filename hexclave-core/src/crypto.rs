/// Makes sure that the crate `jsonwebtoken` has a cryptography provider.
///
/// It looks for one process-wide, and panics where Cargo has turned on both of its backends, or neither, for the
/// whole program: something that two dependencies can do to each other. The constructors of the hexclave crates
/// call this, so a program need not. A provider that the program installed earlier stays.
pub fn install_default_crypto_provider() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
