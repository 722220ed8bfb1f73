//! Deployment of applications: targets, releases, plans.
