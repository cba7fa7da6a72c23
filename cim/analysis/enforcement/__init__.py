"""Enforcement 执法核查: change patches against approvals, control lines and plans."""
