"""The solution architect: decides, follows every requirement through the design, and shows what does not fit."""
