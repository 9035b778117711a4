"""Bare Django: what a page costs without sign-in, tenancy, permissions and a design."""
