"""Credentials that open both of two deployments: equal secret material, token issuers, cloud identities, stores."""
