"""What deployments share by living on one platform: API server settings, components, delivery, environments."""
