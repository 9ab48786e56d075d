"""A released model beside its base and strong SFT, on a page of this machine."""
