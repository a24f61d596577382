"""Use cases of orders: submit, approve, deliver, verify, accept an Environment; or take the order back."""
