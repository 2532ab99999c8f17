"""Parts that places are made of: table, listing, pane, form, charts, chrome."""
