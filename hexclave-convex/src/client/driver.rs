use std::sync::Weak;

use convex::WebSocketState;
use tokio::sync::mpsc;

use super::{Authentication, End, Shared, TokenProvider};

/// Renews tokens ahead of time, and tells Convex's client of new ones and of the end of the session. Ends with that client,
/// which tells of its connection as long as there is one.
pub(super) async fn drive(
    shared: Weak<Shared>,
    provider: TokenProvider,
    mut connection: mpsc::Receiver<WebSocketState>,
) {
    let mut authentication = provider.watch();
    let mut is_signed_out = false;
    // Not begun anew for each event: what is being asked for would be asked for twice.
    let mut renewal = std::pin::pin!(provider.renew_in_time());
    loop {
        let now = *authentication.borrow_and_update();
        match now {
            Authentication::SignedOut | Authentication::Unavailable if provider.is_strict() => {
                if let Some(shared) = shared.upgrade() {
                    shared.end(End::Lacking(provider.lack()));
                }
                return;
            }
            Authentication::SignedOut if !is_signed_out => {
                is_signed_out = true;
                if let Some(shared) = shared.upgrade() {
                    shared.authenticate(None).await;
                }
            }
            _ => {}
        }
        tokio::select! {
            changed = authentication.changed() => if changed.is_err() {
                return;
            },
            state = connection.recv() => match state {
                Some(state) => provider.connection(&state),
                None => return,
            },
            () = &mut renewal => {
                renewal.set(provider.renew_in_time());
                if let Some(shared) = shared.upgrade() {
                    shared.authenticate(Some(provider.fetcher())).await;
                }
            }
        }
    }
}
