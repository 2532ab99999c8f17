"""The checks of an audit, one small module each."""
