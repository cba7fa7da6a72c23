"""Who may see and do what: one module, asked by every output."""
