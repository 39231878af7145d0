"""What is said of an event or a notice: to whom, with which links, in which words."""
