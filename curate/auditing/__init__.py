"""From records to findings: the audit, its checks' runs, its document and its figures."""
