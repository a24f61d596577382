"""The closure: from what somebody can do to everything that follows, each with the step that first gave it."""
