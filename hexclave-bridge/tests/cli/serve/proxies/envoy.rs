use std::path::Path;

use super::{Kind, Upstream, from_pypi, lets_in_who_is_signed_in_and_says_who_that_is};

fn configure(folder: &Path, upstream: Upstream<'_>) -> Vec<String> {
    let filters = upstream.example("yaml", "http_filters:\n");
    let filters: String = filters
        .lines()
        .map(|line| format!("                {line}\n"))
        .collect();
    let cluster = |name: &str, address: &str| {
        let (host, port) = address.split_once(':').expect("a port");
        format!(
            "    - name: {name}
      load_assignment:
        cluster_name: {name}
        endpoints:
          - lb_endpoints:
              - endpoint: {{ address: {{ socket_address: {{ address: {host}, port_value: {port} }} }} }}
"
        )
    };
    let configuration = format!(
        r#"static_resources:
  listeners:
    - address: {{ pipe: {{ path: {}/socket }} }}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                route_config:
                  virtual_hosts:
                    - name: app
                      domains: ["*"]
                      routes: [{{ match: {{ prefix: / }}, route: {{ cluster: app }} }}]
{filters}
  clusters:
{}{}"#,
        folder.display(),
        cluster("app", upstream.application),
        cluster("hexclave_bridge", upstream.service),
    );
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, configuration).expect("a file");
    let file = file.to_str().expect("UTF-8");
    [
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "warn",
        "-c",
        file,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn envoy_lets_in_who_is_signed_in_and_says_who_that_is() {
    lets_in_who_is_signed_in_and_says_who_that_is(Kind {
        name: "Envoy",
        program: || from_pypi("envoy"),
        configure,
        listens_at: None,
        without_service: "503",
        says_when: false,
        drops_underscores: false,
    })
    .await;
}
