"""What every simulator stands on: settings, the front desk, the ledger, product terms and its own cryptography."""
