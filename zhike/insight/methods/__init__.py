"""Methods as pure Ibis expressions: no Django, no warehouse; any table with the named columns will do."""
