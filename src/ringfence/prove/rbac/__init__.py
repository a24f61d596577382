"""Role-based access control: rules, bindings and the question whether a request is allowed."""
