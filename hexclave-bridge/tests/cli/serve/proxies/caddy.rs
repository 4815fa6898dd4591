use std::path::Path;

use super::{Kind, Upstream, installed, lets_in_who_is_signed_in_and_says_who_that_is};

fn configure(folder: &Path, upstream: Upstream<'_>) -> Vec<String> {
    let site = upstream.example("caddy", "app.example.com {\n");
    // Without TLS, and where nobody else listens.
    let site = site.replacen(
        "app.example.com {",
        &format!(
            "http://app.example.com {{\n\tbind unix/{}",
            folder.join("socket").display()
        ),
        1,
    );
    let configuration = format!("{{\n\tadmin off\n}}\n{site}");
    let file = folder.join("Caddyfile");
    std::fs::write(&file, configuration).expect("a file");
    let file = file.to_str().expect("UTF-8");
    ["run", "--adapter", "caddyfile", "--config", file]
        .map(str::to_owned)
        .to_vec()
}

#[tokio::test]
async fn caddy_lets_in_who_is_signed_in_and_says_who_that_is() {
    lets_in_who_is_signed_in_and_says_who_that_is(Kind {
        name: "Caddy",
        program: || installed("caddy"),
        configure,
        listens_at: None,
        without_service: "502",
        says_when: true,
        drops_underscores: false,
    })
    .await;
}
