"""What all figures share: style, axes, labels, writing files."""
