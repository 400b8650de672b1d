"""ews: supply-chain risk early warning. Read `ews.model`, then `ews.pipeline`."""
