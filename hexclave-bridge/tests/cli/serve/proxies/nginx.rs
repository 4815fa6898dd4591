use std::path::Path;

use super::{Kind, Upstream, installed, lets_in_who_is_signed_in_and_says_who_that_is};

fn configure(folder: &Path, upstream: Upstream<'_>) -> Vec<String> {
    let path = folder.display();
    let locations = upstream.example("nginx", "");
    let configuration = format!(
        "daemon off; master_process off; pid {path}/pid; error_log stderr;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;
             server {{ listen unix:{path}/socket; server_name app.example.com; {locations} }}
         }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration).expect("a file");
    let file = file.to_str().expect("UTF-8");
    ["-e", "stderr", "-p", &path.to_string(), "-c", file]
        .map(str::to_owned)
        .to_vec()
}

#[tokio::test]
async fn nginx_lets_in_who_is_signed_in_and_says_who_that_is() {
    lets_in_who_is_signed_in_and_says_who_that_is(Kind {
        name: "nginx",
        program: || installed("nginx"),
        configure,
        listens_at: None,
        without_service: "503",
        says_when: true,
        drops_underscores: true,
    })
    .await;
}
