// Lists: selection, columns, builder, inline edit, peek, board.
