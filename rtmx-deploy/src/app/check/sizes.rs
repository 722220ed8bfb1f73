//! Sizes that are too small for their own parts.

use super::Found;
use crate::app::spec::{Amounts, App, Component, Size};
use crate::app::units::{Bytes, Cores, Name};
use rtmx_core::app as codes;

/// What a component has in a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sized {
    replicas: u32,
    request: Option<Amounts>,
    limit: Option<Amounts>,
}

/// What a component has in a size: what the size says, else its own.
fn sized(name: &Name, component: &Component, size: &Size) -> Sized {
    let given = size.components.get(name);
    let own = &component.resources;
    let replicas = given.and_then(|it| it.replicas).unwrap_or(component.replicas);
    Sized {
        replicas: replicas.min(component.replicas_at_most.unwrap_or(u32::MAX)),
        request: given.and_then(|it| it.request).or(own.request),
        limit: given.and_then(|it| it.limit).or(own.limit),
    }
}

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    for (name, component) in &app.components {
        let resources = &component.resources;
        let path = ["components", name.as_str(), "resources", "limit"];
        below(name.as_str(), None, resources.request, resources.limit, &path, found);
    }
    for (name, size) in &app.sizes {
        check_size(app, name.as_str(), size, found);
    }
}

fn check_size(app: &App, name: &str, size: &Size, found: &mut Found<'_>) {
    let (mut cpu, mut memory) = (0u64, 0u64);
    for (key, component) in &app.components {
        let has = sized(key, component, size);
        if let Some(request) = has.request {
            cpu += u64::from(has.replicas) * u64::from(request.cpu.0);
            memory += u64::from(has.replicas) * request.memory.0;
        }
        if size.components.contains_key(key) {
            let path = ["sizes", name, "components", key.as_str()];
            below(key.as_str(), Some(name), has.request, has.limit, &path, found);
            let asked = size.components.get(key).and_then(|it| it.replicas).unwrap_or(has.replicas);
            if asked > has.replicas {
                let text = format!("`{name}` has {asked} of `{key}`, and at most {} may run", has.replicas);
                found.add(codes::APP_SIZE_MISFIT, &path, text);
            }
        }
    }
    let volume =
        |(key, volume): (&Name, &crate::app::Volume)| size.volumes.get(key).unwrap_or(&volume.size).0;
    let storage: u64 = app.volumes.iter().map(volume).sum();
    let path = ["sizes", name];
    if cpu > u64::from(size.cpu.0) {
        let asked = Cores(u32::try_from(cpu).unwrap_or(u32::MAX));
        let text = format!("the parts of `{name}` request {asked} cores, and it has {}", size.cpu);
        found.add(codes::APP_SIZE_MISFIT, &[path[0], path[1], "cpu"], text);
    }
    for (word, key, asked, has) in
        [("request", "memory", memory, size.memory), ("keep", "storage", storage, size.storage)]
    {
        if asked > has.0 {
            let asked = Bytes(asked);
            let text = format!("the parts of `{name}` {word} {asked} of {key}, and it has {has}");
            found.add(codes::APP_SIZE_MISFIT, &[path[0], path[1], key], text);
        }
    }
}

fn below(
    component: &str,
    size: Option<&str>,
    request: Option<Amounts>,
    limit: Option<Amounts>,
    path: &[&str],
    found: &mut Found<'_>,
) {
    let (Some(request), Some(limit)) = (request, limit) else { return };
    if request.cpu > limit.cpu || request.memory > limit.memory {
        let within = size.map(|size| format!(" in `{size}`")).unwrap_or_default();
        let text = format!("`{component}` requests more than its limit{within}");
        found.add(codes::APP_SIZE_MISFIT, path, text);
    }
}
