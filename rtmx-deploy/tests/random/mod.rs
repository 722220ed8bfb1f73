//! Applications of random names, for what has to hold of every one.

use proptest::prelude::*;

/// An application of random names, numbers and texts that has no fault.
pub(crate) fn any_app() -> impl Strategy<Value = String> {
    let name = "[a-z][a-z0-9_-]{0,8}x";
    let text =
        prop_oneof!["[ -~]{0,16}", any::<String>().prop_map(|text| text.replace(char::is_control, " "))];
    let component = (text.clone(), prop::collection::vec(text, 0..4), 1u32..4, any::<[bool; 4]>());
    (name, prop::collection::btree_map(name, component, 1..6)).prop_map(|(application, components)| {
        let names: Vec<&String> = components.keys().collect();
        let mut all = serde_json::Map::new();
        for (at, (name, (text, words, number, flags))) in components.iter().enumerate() {
            let mut component = serde_json::json!({
                "summary": text, "image": {"name": format!("i/{name}"), "tag": "1"}, "command": words,
                "environment": {"A": text, "B": {"variable": format!("V{at}"), "default": "d"}},
                "replicas": number, "writable_root": flags[0],
                "ports": {"p": {"port": 1000 + number}},
                "probes": {"health": {"command": ["ask", text]}},
                "resources": {"request": {"cpu": 0.1, "memory": "64MiB"}, "limit": {"cpu": 1, "memory": "1GiB"}},
            });
            if flags[1] {
                component["ports"]["p"]["publish"] = serde_json::json!({"port": 2000 + at, "variable": format!("P{at}")});
            }
            if flags[2] {
                component["secrets"] = serde_json::json!({"made-x": {"file": "F"}, "joined-x": {"delivery": "environment", "variable": "J"}});
                component["volumes"] = serde_json::json!([{"volume": "kept-x", "path": "/kept"}]);
            }
            if flags[3] {
                component["profiles"] = serde_json::json!(["extra-x"]);
            }
            // Each may wait for those before it.
            for before in names.iter().take(at).step_by(2) {
                component["after"][before.as_str()] = "healthy".into();
            }
            all.insert(name.clone(), component);
        }
        let size = serde_json::json!({"summary": "s", "cpu": 64, "memory": "64GiB", "storage": "1TiB"});
        let app = serde_json::json!({
            "application": application, "summary": "random", "version": "1",
            "secret_maker": {"image": {"name": "maker", "tag": "1"}, "command": ["make"]},
            "networks": {"net-x": {}}, "profiles": {"extra-x": {"summary": "x"}},
            "volumes": {"kept-x": {"summary": "k", "size": "1GiB"}},
            "secrets": {"made-x": {"generated": {}}, "joined-x": {"composed": "u:{made-x:url}"}},
            "components": all, "sizes": {"only": size},
            "environments": {"dev": {"summary": "d", "size": "only"}, "prod": {"summary": "p", "size": "only", "profiles": ["extra-x"]}},
        });
        // JSON is YAML.
        app.to_string()
    })
}
