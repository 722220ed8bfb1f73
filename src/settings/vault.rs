//! Which Vault is asked: what the other sources say about it.

use rtmx_config::{ConfigSource, Layer, Strictness, Vault, VaultAuth, resolve};
use rtmx_core::{Cx, Result};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the driver is told, if the sources and flags name a server.
///
/// # Errors
///
/// What keeps a source from answering at all.
pub(super) async fn asked_for(
    cx: &Cx,
    sources: &[Arc<dyn ConfigSource>],
    flags: &Layer,
) -> Result<Option<Value>> {
    let mut layers = Vec::with_capacity(sources.len() + 1);
    for source in sources {
        layers.push(source.load(cx).await?);
    }
    layers.push(flags.clone());
    let names_it = layers.iter().flat_map(|layer| &layer.entries).any(|entry| entry.key == "vault.address");
    if !names_it {
        return Ok(None);
    }
    // What is wrong is reported when all are read, and nobody is asked on the word of a wrong file.
    let resolved = resolve(&layers, Strictness::Start).ok();
    Ok(resolved.and_then(|resolved| told(&resolved.settings.vault)))
}

fn told(vault: &Vault) -> Option<Value> {
    let auth = match vault.auth {
        VaultAuth::Token => "token",
        VaultAuth::Kubernetes => "kubernetes",
        VaultAuth::Approle => "approle",
    };
    let ms = |duration: std::time::Duration| format!("{}ms", duration.as_millis());
    Some(json!({
        "address": vault.address.as_ref()?,
        "mount": vault.mount,
        "paths": vault.paths,
        "namespace": vault.namespace,
        "ca_file": vault.ca_file,
        "auth": auth,
        "auth_mount": vault.auth_mount,
        "role": vault.role,
        "token": vault.token.as_ref().map(|token| token.expose().clone()),
        "token_file": vault.token_file,
        "secret_id": vault.secret_id.as_ref().map(|id| id.expose().clone()),
        "secret_id_file": vault.secret_id_file,
        "jwt_file": vault.jwt_file,
        "timeout": ms(vault.timeout),
        "poll": ms(vault.poll),
    }))
}
