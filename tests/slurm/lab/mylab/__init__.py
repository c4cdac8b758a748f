"""Methods of somebody's own, for runs that take their time, fail, or take their process down with them."""
