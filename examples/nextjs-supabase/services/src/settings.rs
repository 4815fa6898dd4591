use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hexclave_core::ProjectConfig;
use serde_json::Value;

/// The variables that the application is configured with.
pub(crate) struct Settings([(&'static str, String); 6]);

impl Settings {
    pub(crate) fn new(
        hexclave: &ProjectConfig,
        supabase: SocketAddr,
        publishable_key: &str,
        jwt_secret: &str,
    ) -> Self {
        let server_key = hexclave.secret_server_key().map(|key| key.expose());
        Self([
            (
                "NEXT_PUBLIC_HEXCLAVE_PROJECT_ID",
                hexclave.project_id().to_string(),
            ),
            ("NEXT_PUBLIC_HEXCLAVE_API_URL", hexclave.api_url().to_string()),
            (
                "HEXCLAVE_SECRET_SERVER_KEY",
                server_key.unwrap_or_default().to_owned(),
            ),
            ("NEXT_PUBLIC_SUPABASE_URL", format!("http://{supabase}")),
            ("NEXT_PUBLIC_SUPABASE_ANON_KEY", publishable_key.to_owned()),
            ("SUPABASE_JWT_SECRET", jwt_secret.to_owned()),
        ])
    }

    pub(crate) fn to_json(&self) -> Value {
        let members = self
            .0
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        Value::Object(members.collect())
    }

    /// Writes `.env.local` and gives its path.
    pub(crate) fn write(&self) -> anyhow::Result<PathBuf> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(".env.local");
        let lines = self.0.iter().map(|(name, value)| format!("{name}={value}\n"));
        let text = format!(
            "# Written at each start of the services.\n{}",
            lines.collect::<String>()
        );
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(file)
    }
}
