"""Where things go: computation graphs by Graphviz or by layers, networks in columns."""
