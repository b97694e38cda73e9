//! Which scope each address needs of a token, in one place. An address that is not in the list is for people only.

use axum::http::Method;

use crate::tokens::Scope;

/// What an address needs of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any token.
    Nothing,
    Scope(Scope),
    /// A person: programs decide nothing.
    Person,
}

/// Method, address as the router has it, and what it needs.
const ROUTES: &[(&str, &str, Needs)] = &[
    ("GET", "/api/session", Needs::Nothing),
    ("POST", "/api/sign-out", Needs::Person),
    ("GET", "/api/overview", Needs::Scope(Scope::Search)),
    ("POST", "/api/ask", Needs::Scope(Scope::Ask)),
    ("GET", "/api/answers/{id}", Needs::Scope(Scope::Ask)),
    ("GET", "/api/conversations/{id}", Needs::Scope(Scope::Ask)),
    ("GET", "/api/records/{id}/context", Needs::Scope(Scope::Search)),
    ("GET", "/api/search", Needs::Scope(Scope::Search)),
    ("GET", "/api/templates", Needs::Scope(Scope::Search)),
    ("GET", "/api/steps/{id}", Needs::Scope(Scope::Incidents)),
    ("POST", "/api/steps/{id}/{verb}", Needs::Person),
    ("GET", "/api/incidents", Needs::Scope(Scope::Incidents)),
    ("GET", "/api/incidents/{id}", Needs::Scope(Scope::Incidents)),
    ("POST", "/api/incidents/{id}/resolve", Needs::Person),
    ("POST", "/api/incidents/{id}/proposals", Needs::Person),
    ("GET", "/api/approvals", Needs::Scope(Scope::Incidents)),
    ("GET", "/api/incidents/{id}/runbook", Needs::Scope(Scope::Incidents)),
    ("GET", "/api/runbooks", Needs::Scope(Scope::Incidents)),
    ("POST", "/api/runbooks/preview", Needs::Scope(Scope::Incidents)),
    ("GET", "/api/audit", Needs::Scope(Scope::Audit)),
    ("GET", "/api/audit/verify", Needs::Scope(Scope::Audit)),
    ("GET", "/api/audit/export", Needs::Scope(Scope::Audit)),
    ("POST", "/api/deploys", Needs::Scope(Scope::Deploys)),
    ("GET", "/api/deploys", Needs::Scope(Scope::Deploys)),
    ("GET", "/api/events", Needs::Scope(Scope::Incidents)),
    ("GET", "/metrics", Needs::Scope(Scope::Metrics)),
];

/// What `method` at `path`, as the router has it, needs; reading the head of something needs what reading it does.
pub fn needs(method: &Method, path: &str) -> Needs {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let of_path = || ROUTES.iter().filter(|(_, address, _)| *address == path);
    match of_path().find(|(known, ..)| *known == method) {
        Some((_, _, needs)) => *needs,
        // The router says which methods the address takes.
        None if of_path().next().is_some() => Needs::Nothing,
        None => Needs::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method and address of each route in the router's source, below `/api` where it stands in that one.
    fn routes() -> Vec<(String, String)> {
        let source = include_str!("../http.rs");
        let (api, rest) = source.split_once("Router::new()\n        .nest(\"/api\", api)").expect("two routers");
        let api = api.split_once("let api = Router::new()").expect("the API's router").1;
        let mut routes = Vec::new();
        for (prefix, part) in [("/api", api), ("", rest)] {
            for route in part.split(".route(").skip(1) {
                let path = route.split('"').nth(1).expect("a route has an address");
                for method in ["get", "post", "put", "patch", "delete"] {
                    let handler = route.split(".layer(").next().unwrap_or(route);
                    if handler.contains(&format!(" {method}(")) || handler.contains(&format!(".{method}(")) {
                        routes.push((method.to_uppercase(), format!("{prefix}{path}")));
                    }
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_says_what_it_needs() {
        /// These ask for neither session nor token.
        const OPEN: &[&str] = &["/sign-in/{link}", "/sign-in/oidc", "/sign-in/oidc/back", "/healthz", "/readyz"];
        let routes = routes();
        assert!(routes.len() > 20, "{routes:?}");
        for (method, path) in &routes {
            let is_listed = ROUTES.iter().any(|(known, address, _)| known == method && address == path);
            assert!(
                is_listed || OPEN.contains(&path.as_str()),
                "`{method} {path}` has no line in `ROUTES`: say which scope it needs"
            );
        }
        for (method, path, _) in ROUTES {
            assert!(routes.contains(&((*method).to_owned(), (*path).to_owned())), "no route is `{method} {path}`");
        }
    }

    #[test]
    fn what_is_not_listed_is_for_people() {
        assert_eq!(needs(&Method::POST, "/api/anything"), Needs::Person);
        assert_eq!(needs(&Method::DELETE, "/api/search"), Needs::Nothing, "the router refuses it");
        assert_eq!(needs(&Method::HEAD, "/api/search"), Needs::Scope(Scope::Search));
        assert_eq!(needs(&Method::POST, "/api/steps/{id}/{verb}"), Needs::Person);
    }
}
