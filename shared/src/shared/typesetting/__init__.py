"""Documents on paper: strings the font can draw, compiled by Typst in a process of its own."""
