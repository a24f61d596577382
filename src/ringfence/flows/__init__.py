"""The use cases, one a module: each calls the steps in order and stands between the command line and the packages."""
