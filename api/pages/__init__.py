"""The web pages: a wallet for its owner, a console for operators. Rendered here; see docs/decisions/ADR-009."""
