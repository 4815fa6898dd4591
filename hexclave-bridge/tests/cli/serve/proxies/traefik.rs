use std::path::Path;

use super::{Kind, Upstream, example, from_pypi, lets_in_who_is_signed_in_and_says_who_that_is};

fn configure(folder: &Path, upstream: Upstream<'_>) -> Vec<String> {
    let write = |name: &str, text: String| -> String {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    };
    let routes = write("routes.yaml", upstream.example("yaml", "http:\n"));
    let entrance = example("yaml", "entryPoints:\n");
    let itself = format!(
        "{entrance}
providers:
  file: {{ filename: {routes}, watch: false }}
global: {{ checkNewVersion: false, sendAnonymousUsage: false }}
"
    );
    vec![format!("--configFile={}", write("traefik.yaml", itself))]
}

#[tokio::test]
async fn traefik_lets_in_who_is_signed_in_and_says_who_that_is() {
    lets_in_who_is_signed_in_and_says_who_that_is(Kind {
        name: "Traefik",
        program: || from_pypi("traefik"),
        configure,
        listens_at: Some("app"),
        without_service: "500",
        says_when: true,
        drops_underscores: true,
    })
    .await;
}
